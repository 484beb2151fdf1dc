"""The web pages: Jinja2 on the server, htmx in the browser, no build step."""
