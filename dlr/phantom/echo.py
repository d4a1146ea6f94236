"""From tissue to a B-mode still: scatterers, point-spread function, envelope, log compression.

Scatterers stand on a radio-frequency grid, several samples to an image row (four in a still of 256), with Gaussian
amplitude scaled by the tissue's echogenicity (fully developed speckle). The echo is their convolution with a point-
spread function: axially a Gaussian-enveloped pulse, laterally a Gaussian beam, narrowest at the focus and wider with
the distance from it. The pulse has positive frequencies only, so that the convolved signal is analytic and its
magnitude is the envelope; two sub-bands are averaged (frequency compounding), as scanners do against speckle. Depth
is along rows, the transducer at the top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

__all__ = ["Probe", "Tissue", "b_mode"]

SPEED = 1.54  # mm per microsecond
HEADROOM_DB = 17.0  # what echoes this much above 0 dB is white
SPECKLE_FILTER_PIXELS = 0.8  # the scanner's smoothing of the log-compressed image, SD


@dataclass(frozen=True)
class Probe:
    """A linear transducer and the settings of its scanner."""

    frequency_mhz: float = 7.0
    bandwidth: float = 0.55  # of the frequency, full width at half maximum
    f_number: float = 2.2
    focus_mm: float = 18.0
    dynamic_range_db: float = 60.0
    noise_db: float = -56.0  # electronic noise, against tissue of 0 dB without attenuation


@dataclass(frozen=True)
class Tissue:
    """What the beam meets, on the image grid (rows, columns) of square pixels of `spacing_mm`."""

    spacing_mm: float
    echogenicity_db: np.ndarray  # of diffuse scatterers, 0 = bright glandular tissue
    reflector: np.ndarray  # amplitude of specular interfaces, linear, 0 = none
    attenuation_db: np.ndarray  # there and back, in excess of what the scanner's gain makes up for


def b_mode(tissue: Tissue, probe: Probe, gain_db: float, rng: np.random.Generator) -> np.ndarray:
    """The still, uint8 (rows, columns); `gain_db` moves the whole grey scale."""
    rows, columns = tissue.echogenicity_db.shape
    carrier = 2 * probe.frequency_mhz / SPEED  # cycles per mm of depth, there and back
    width = probe.bandwidth * carrier / 2.3548
    per_row = math.ceil(2 * (carrier + 1.5 * width) * tissue.spacing_mm)  # twice the highest frequency
    samples = rows * per_row
    attenuation = _amplitude(-tissue.attenuation_db)
    amplitude = _amplitude(tissue.echogenicity_db) * attenuation
    scatterers = rng.standard_normal((samples, columns), dtype=np.float32)
    scatterers = scatterers.reshape(rows, per_row, columns) * amplitude[:, None, :]
    scatterers[:, 0, :] += tissue.reflector * attenuation
    spectrum = fft.rfft(scatterers.reshape(samples, columns), axis=0)

    cycles_per_mm = np.arange(rows) / (rows * tissue.spacing_mm)  # of a band one image row wide
    lateral = fft.fftfreq(columns, tissue.spacing_mm)
    depth = (np.arange(rows) + 0.5) * tissue.spacing_mm
    at_focus = probe.f_number * SPEED / probe.frequency_mhz / 2.3548  # SD of the beam, mm
    beam = at_focus * np.sqrt(1 + ((depth - probe.focus_mm) / (0.55 * probe.focus_mm)) ** 2)
    blur = np.exp(-2 * (np.pi * beam[:, None] * lateral[None, :]) ** 2)
    blur *= np.sqrt(2 * np.sqrt(np.pi) * beam[:, None] / tissue.spacing_mm)  # the same power at every depth
    blur = blur.astype(np.float32)

    # no wider than one sample an image row can hold, else its cut edges ring
    sub_band = min(0.8 * width, 0.5 / tissue.spacing_mm / 2.2)
    envelope = np.zeros((rows, columns), dtype=np.float32)
    for band in (-0.5, 0.5):
        centre = carrier + band * width
        # `rows` frequencies around the centre: the signal at one sample an image row, carrier aliased, envelope kept
        first = round((centre - 0.5 / tissue.spacing_mm) * rows * tissue.spacing_mm)
        first = min(max(first, 0), spectrum.shape[0] - rows)
        frequency = cycles_per_mm + first / (rows * tissue.spacing_mm)
        pulse = np.exp(-0.5 * ((frequency - centre) / sub_band) ** 2)
        echo = fft.ifft(spectrum[first : first + rows] * pulse[:, None].astype(np.float32), axis=0)
        echo = fft.ifft(fft.fft(echo, axis=1) * blur, axis=1)
        envelope += np.abs(echo) * np.float32(0.5 * rows / np.sqrt(np.sum(pulse**2) * samples))
    noise = rng.standard_normal((2, rows, columns), dtype=np.float32)
    power = envelope**2 + (noise[0] ** 2 + noise[1] ** 2) * np.float32(10 ** (probe.noise_db / 10))
    decibel = 10 * np.log10(np.maximum(power, np.float32(1e-12))) + np.float32(gain_db)
    decibel = gaussian_filter(decibel, SPECKLE_FILTER_PIXELS)
    grey = 255 * (1 + (decibel - HEADROOM_DB) / probe.dynamic_range_db)
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)


def _amplitude(decibel: np.ndarray) -> np.ndarray:
    """Linear amplitude, float32."""
    return np.exp(decibel.astype(np.float32) * np.float32(np.log(10) / 20))
