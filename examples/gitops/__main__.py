"""Declares the site of the stack, from `sites/<stack>.yaml`."""

from pulumi_plugchoice import ChargingSite

ChargingSite.for_stack()
