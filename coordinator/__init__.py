"""One end-to-end request, in the order in which it happens.

| # | step      | module                     | in -> out                                        |
|---|-----------|----------------------------|--------------------------------------------------|
| 1 | interpret | `intent/`                  | text -> Interpretation                           |
| 2 | profile   | `profile`                  | Interpretation -> NEST -> ServiceProfile         |
| 3 | route     | `resources`, `placement`   | ServiceProfile -> chains of domains              |
| 4 | split     | `split`                    | ServiceProfile, chain -> a SliceProfile per hop  |
| 5 | offers    | `domain_client`            | SliceProfiles -> menus                           |
| 6 | negotiate | `negotiate`, `bargain`     | menus -> Agreement, or Proposal, or Refusal      |
| 7 | reserve   | `securing`, `reserve`      | Agreement -> held everywhere, decided, confirmed |
| 8 | deploy    | `activation`               | confirmed holds -> segments of an active slice   |
| 9 | assure    | `assurance/`, `lifecycle`  | measurements -> changes, through the same path   |
"""
