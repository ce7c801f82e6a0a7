"""What a policy does is put offers on the table: references, and the optimum to measure against."""
