"""A training's Kubernetes objects: pure functions from values to dicts in YAML spelling."""

from app.k8s.manifests.launch import Egress, Launch, Manifest, TrainingObjects
from app.k8s.manifests.training import build, environment

__all__ = ["Egress", "Launch", "Manifest", "TrainingObjects", "build", "environment"]
