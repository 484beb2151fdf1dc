"""Endpoints: programs that run until they are stopped and answer requests, such as a TensorBoard. PURE."""
