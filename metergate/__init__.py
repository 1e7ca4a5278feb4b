"""What out-of-tree code may use of Metergate beside ``adapters.plugin``: see ``metergate.testing``."""
