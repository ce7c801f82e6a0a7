"""Getting to a slice in several turns: what is missing is asked, what can be had is shown.

    model    a conversation as it is kept, what comes in, what goes out
    answers  what short answers mean: yes, no, skip, a number, a place, a change
    steps    the state machine: (conversation, input) -> (conversation, replies, effect), pure
    desk     what a conversation may ask of a coordinator, always as its own tenant
    store    conversations in a SQLite file, and who may answer the next message
    talks    runs the machine: interprets, saves, carries out effects, saves again

                     +-- question <-+
    open -- words ---+              +-- words --- open
                     +-> quoting -> quoted -- yes -> ordering -> ordered
                              ^______|  a change, or what was offered is gone

Only a plain yes to what was shown orders anything, and it orders exactly that.
"""
