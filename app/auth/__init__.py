"""Who somebody is: passwords, the secrets handed to browsers and programs, and what is sealed at rest."""
