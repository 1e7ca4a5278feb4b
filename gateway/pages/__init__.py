"""The household pages: Now, Consents, Who saw it, My data. They work without a script; nothing comes from elsewhere."""
