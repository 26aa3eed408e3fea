# /proc/net/nf_conntrack after a redirected connection and a datagram without an answer.
import subprocess,socket,threading,re
subprocess.run(['ip','link','set','lo','up'],stderr=subprocess.DEVNULL)
subprocess.run('iptables-legacy -A INPUT -m conntrack --ctstate NEW; iptables-legacy -t nat -A OUTPUT -p tcp --dport 81 -j REDIRECT --to-ports 8081; iptables-legacy -t mangle -A OUTPUT -p udp -j CONNMARK --set-mark 5',shell=True)
l=socket.socket(); l.setsockopt(1,2,1); l.bind(('127.0.0.1',8081)); l.listen()
c=socket.socket(); c.bind(('127.0.0.1',40001)); c.connect(('127.0.0.1',81)); s,_=l.accept(); c.send(b'x'); s.recv(1); s.send(b'y'); c.recv(1)
u=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); u.bind(('127.0.0.1',40002)); v=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); v.bind(('127.0.0.1',40003)); u.sendto(b'a',('127.0.0.1',40003))
t=open('/proc/net/nf_conntrack').read()
for line in sorted(t.splitlines()): print(re.sub(r' (\d+) (ESTAB|src)',r' T \2',line))
print(open('/proc/sys/net/netfilter/nf_conntrack_count').read().strip())
