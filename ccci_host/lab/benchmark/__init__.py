"""What things cost, measured, each figure beside its budget. Nothing is judged by it: no test has a clock."""

from ccci_host.lab.benchmark.figure import Figure, table
from ccci_host.lab.benchmark.registry import Measured, measure_all

__all__ = ["Figure", "Measured", "measure_all", "table"]
