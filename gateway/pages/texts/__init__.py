"""The texts of the pages by theme, each in English and German; `gateway.pages.words` gives them out."""
