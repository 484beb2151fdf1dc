"""Pictures of every page over an installation that looks like one in use."""
