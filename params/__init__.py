"""Parameter files of the pipelines and radiomics profiles."""
