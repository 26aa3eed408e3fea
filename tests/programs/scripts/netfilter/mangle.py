# What nft's `set` of header fields does to packets on loopback.
import socket, subprocess, struct
def nft(line):
    p=subprocess.run(['nft',line],capture_output=True,text=True)
    if p.returncode: print('!',line,p.stderr.strip())
subprocess.run(['ip','link','set','lo','up'],stderr=subprocess.DEVNULL)
nft('add table inet m'); nft('add chain inet m o { type filter hook output priority mangle; }')
def server(fam, addr, port):
    s=socket.socket(fam,socket.SOCK_DGRAM); s.bind((addr,port)); s.settimeout(20)
    if fam==socket.AF_INET: s.setsockopt(0,12,1); s.setsockopt(0,13,1)
    else: s.setsockopt(41,51,1); s.setsockopt(41,66,1)
    return s
def ask(s, fam, addr, port, data=b'hello'):
    c=socket.socket(fam,socket.SOCK_DGRAM); c.sendto(data,(addr,port)); d,anc,_,_=s.recvmsg(99,999)
    return d, sorted((t,x[0]) for _,t,x in anc)
s=server(socket.AF_INET,'127.0.0.1',7001); t=server(socket.AF_INET,'127.0.0.1',7002); six=server(socket.AF_INET6,'::1',7001)
print(ask(s,socket.AF_INET,'127.0.0.1',7001), ask(six,socket.AF_INET6,'::1',7001))
nft('add rule inet m o udp dport 7001 ip ttl set 7 ip dscp set cs1'); nft('add rule inet m o udp dport 7001 ip6 hoplimit set 9 ip6 dscp set cs2')
nft('add rule inet m o udp dport 7000 udp dport set 7002')
print(ask(s,socket.AF_INET,'127.0.0.1',7001), ask(six,socket.AF_INET6,'::1',7001))
print(ask(t,socket.AF_INET,'127.0.0.1',7000,b'odd'))
l=socket.create_server(('127.0.0.1',7003)); nft('add rule inet m o tcp dport 7003 ip ttl set 33')
c=socket.create_connection(('127.0.0.1',7003)); a,_=l.accept(); c.sendall(b'x'*100000); c.close(); n=0
while True:
    g=a.recv(65536)
    if not g: break
    n+=len(g)
print(n); print(subprocess.run(['nft','list','ruleset'],capture_output=True,text=True).stdout)
