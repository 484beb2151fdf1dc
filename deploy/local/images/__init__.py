"""How each layer is made: one file per layer with `make(target, base)`; a change of the file makes the layer anew.

Nothing is pulled: Debian comes from debootstrap, TensorFlow from PyPI (a lock file with hashes), pause from source.
"""
