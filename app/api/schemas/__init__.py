"""What goes over the wire: Pydantic models at the edge, made from domain values and into them."""
