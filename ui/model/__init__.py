"""The parts of the Model page: what the registry holds, what was measured, what the gate decided, and going back."""
