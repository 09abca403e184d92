"""The Streamlit app. It knows the other services by HTTP only."""
