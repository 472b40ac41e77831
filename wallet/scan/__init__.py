"""Scanning: from light to text. OpenCV and the decoders are loaded with the first picture."""

from wallet.scan.camera import CameraSource
from wallet.scan.decode import decode_still
from wallet.scan.scanner import scan

__all__ = ["CameraSource", "decode_still", "scan"]
