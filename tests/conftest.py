"""One way of running for every test: property tests know no deadline, because machines are busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("metergate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("metergate")
