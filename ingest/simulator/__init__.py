"""A pool that is played, with a known truth."""

from ingest.simulator.config import Outage, SimulatorConfig, SourceOutage
from ingest.simulator.service import Progress, Simulator, Summary

__all__ = ["Outage", "Progress", "Simulator", "SimulatorConfig", "SourceOutage", "Summary"]
