"""Radiomics profiles in the parameter-file format of pyradiomics."""
