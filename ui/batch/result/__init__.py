"""Result of a scored file: summary, capacity, distribution, and the rows with the highest risks."""
