"""dlr: from a table of patients, images, outlines and clinical values to an honest prediction study."""

from dlr.compat import install

__version__ = "0.1.0"
__all__ = ["__version__"]

install()
