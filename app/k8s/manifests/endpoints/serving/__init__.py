"""A serving: replicas of a model, what balances between them, and what keeps both up."""

from app.k8s.manifests.endpoints.serving.build import serving

__all__ = ["serving"]
