# nft(8) listening and asked for an echo. Only what changes is kept: process numbers differ.
exec 2>&1
export PATH=$PATH:/usr/sbin
cd "$(mktemp -d)"
nft monitor > told & listener=$!
nft add table ip probe
until grep -q probe told; do nft delete table ip probe; nft add table ip probe; done
nft delete table ip probe
nft add table ip t
nft add chain ip t c '{ type filter hook input priority 0; }'
nft add rule ip t c tcp dport 5 counter drop
nft add set ip t s '{ type ipv4_addr; }'
nft add element ip t s '{ 1.2.3.4 }'
nft delete element ip t s '{ 1.2.3.4 }'
nft -e add rule ip t c accept | grep -v '^#'
nft -ae insert rule ip t c drop | grep -v '^#'
nft flush ruleset
until grep -q 'delete table ip t$' told; do sleep 0.1; done
kill $listener
grep -v -e probe -e '^#' told
