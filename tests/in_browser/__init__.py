"""The pages in a real browser, which these tests share."""
