"""The Kubernetes objects of endpoints. PURE: values in, dicts out."""

from app.k8s.manifests.endpoints.objects import EndpointObjects, Place

__all__ = ["EndpointObjects", "Place"]
