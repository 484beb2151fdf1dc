"""Carries requests to endpoints, each at a host of its own. The only place that knows how they are reached."""
