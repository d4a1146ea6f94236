"""Radiomics."""
