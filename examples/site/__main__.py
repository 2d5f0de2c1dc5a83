"""One stack for each site: `sites/<stack>.yaml` says what is there."""

from pulumi_plugchoice import ChargingSite

ChargingSite.for_stack()
