"""One connector: the smallest program. Set the charger's UUID with `pulumi config set charger UUID`."""

import pulumi
from pulumi_plugchoice import ChargerConnector

bay = ChargerConnector(
    "bay-1",
    charger=pulumi.Config().require("charger"),
    connector_id=1,
    phase_rotation="RST",
    max_amperage=16,
)

pulumi.export("identity", bay.identity)
pulumi.export("was", bay.adopted)
