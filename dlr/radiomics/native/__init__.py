"""The native engine: pyradiomics 3.0.1's definitions in NumPy and compiled kernels, many times faster."""

from dlr.radiomics.native.engine import NativeEngine

__all__ = ["NativeEngine"]
