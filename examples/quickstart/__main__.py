"""Six connectors of one charging site, with rotations that spread one-phase cars over the three building lines."""

from pulumi_plugchoice import ChargerConnector, PhaseRotation

# Bay, OCPP identity of its charger, connector number, building lines of terminals L1 L2 L3 (R S T), A per phase.
CONNECTORS: list[tuple[str, str, int, PhaseRotation, int]] = [
    ("bay-1", "HRB-001", 1, "RST", 16),
    ("bay-2", "HRB-002", 1, "STR", 16),
    ("bay-3", "HRB-003", 1, "TRS", 16),
    ("bay-4", "HRB-004", 1, "RST", 16),
    ("quay-left", "HRB-005", 1, "STR", 32),
    ("quay-right", "HRB-005", 2, "TRS", 32),
]

for bay, charger, number, rotation, amps in CONNECTORS:
    ChargerConnector(bay, charger=charger, connector_id=number, phase_rotation=rotation, max_amperage=amps)
