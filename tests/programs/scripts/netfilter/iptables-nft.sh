# iptables-nft(8), which speaks to nf_tables. The host prints the same.
exec 2>&1
cd "$(mktemp -d)"
export PATH=$PATH:/usr/sbin
ip link set lo up 2>/dev/null
I=iptables-nft
r() { echo "+ $*"; "$@"; echo "= $?"; }
r $I -P FORWARD DROP
r $I -N web
r $I -A INPUT -p tcp --dport 8000:8100 -j web
r $I -A web -s 127.0.0.1/32 -m comment --comment "a word" -j RETURN
r $I -A web -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
r $I -A web -p udp -m multiport --dports 53,100:200 -j REJECT
r $I -A web -p tcp -j REJECT --reject-with tcp-reset
r $I -A web -p icmp --icmp-type echo-request -m limit --limit 5/min --limit-burst 3 -j LOG --log-prefix "ping " --log-level 4
r $I -A OUTPUT -m owner --uid-owner 1000 -j DROP
r $I -A OUTPUT -m mark --mark 0x10/0xff -g web
r $I -A INPUT -i eth+ ! -s 10.0.0.0/8 -m addrtype --dst-type LOCAL -j ACCEPT
r $I -A web -j nowhere
r $I -t nat -A OUTPUT -p tcp --dport 81 -j REDIRECT --to-ports 8081
r $I -t nat -A OUTPUT -d 10.9.8.7 -p tcp --dport 80 -j DNAT --to-destination 127.0.0.1:8081
r $I -t nat -A POSTROUTING -p tcp -s 10.0.0.0/8 -o eth0 -j MASQUERADE --to-ports 1000-2000
r $I -t nat -A POSTROUTING -p tcp -s 10.1.0.0/16 -j SNAT --to-source 1.2.3.4-1.2.3.9:100-200
r $I -t mangle -A PREROUTING -p tcp --syn -j MARK --set-mark 7
r $I -t mangle -A OUTPUT -m length --length 100:200 -m ttl --ttl-gt 5 -m dscp --dscp 8 -j CONNMARK --save-mark
r $I -t raw -A PREROUTING -p udp -j CT --notrack
r $I -L -n -v
r $I -t nat -S
iptables-nft-save | grep -v '^#'
iptables-nft-save > ./i.x
r $I -D INPUT 1
r $I -F
r $I -X
iptables-nft-restore < ./i.x; echo restored $?
iptables-nft-save | grep -v '^#'
r $I -Z
ip6tables-nft -A INPUT -p ipv6-icmp --icmpv6-type 128 -s fe80::/10 -j REJECT --reject-with icmp6-adm-prohibited; echo $?
ip6tables-nft-save | grep -v '^#'
nft list ruleset
