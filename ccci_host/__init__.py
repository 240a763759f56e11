"""Makes a Co-op Cloud recipe CI host keep its Docker images, and proves it."""

__version__ = "0.1.0"
