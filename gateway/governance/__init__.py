"""The office: parties, rulebooks, duties and scenarios; it issues and revokes grants."""
