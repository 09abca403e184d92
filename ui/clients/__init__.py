"""All HTTP of the interface: a small client per service. No Streamlit and no language in here."""
