"""What the tests share: handles on the emulator and on the Pulumi CLI."""
