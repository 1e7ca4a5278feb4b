"""OpenADR 2.0b, the VTN's side: messages and state machine (pure), and the HTTP pull transport."""
