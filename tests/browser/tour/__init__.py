"""A walk through the whole product, in German and in English: what is said, what is done, a picture of each step."""
