"""HTTP clients, one per service, with their response models and errors; no Streamlit and no translated text."""
