"""TaaS: Training as a Service."""
