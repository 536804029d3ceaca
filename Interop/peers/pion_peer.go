// An agent of pion behind JSON lines, as ice-peer speaks them (see Interop/README.md).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"

	"github.com/pion/ice/v2"
	"github.com/pion/logging"
)

// A line in or out; what is empty is not written.
type line struct {
	Type      string `json:"type"`
	Ufrag     string `json:"ufrag,omitempty"`
	Pwd       string `json:"pwd,omitempty"`
	Impl      string `json:"impl,omitempty"`
	Candidate string `json:"candidate,omitempty"`
	State     string `json:"state,omitempty"`
	Local     string `json:"local,omitempty"`
	Remote    string `json:"remote,omitempty"`
	Data      string `json:"data,omitempty"`
	Message   string `json:"message,omitempty"`
}

var options struct {
	controlling, controlled, noTrickle, echo, tcpOnly bool
	bind, stun, nomination                            string
}

var output sync.Mutex

func write(message line) {
	text, _ := json.Marshal(message)
	output.Lock()
	defer output.Unlock()
	fmt.Printf("%s\n", text)
}

func complain(err error) {
	if err != nil {
		write(line{Type: "error", Message: err.Error()})
	}
}

type peer struct {
	agent *ice.Agent
	// The connection, once there is one.
	connection *ice.Conn
	connected  chan struct{}
	isStarted  bool

	lock sync.Mutex
	held []string
}

func newPeer() (*peer, error) {
	config := &ice.AgentConfig{
		NetworkTypes:     []ice.NetworkType{ice.NetworkTypeUDP4},
		MulticastDNSMode: ice.MulticastDNSModeDisabled,
	}
	if options.bind != "" {
		only := net.ParseIP(options.bind)
		if only == nil {
			return nil, fmt.Errorf("--bind takes an address")
		}
		config.IPFilter = func(address net.IP) bool { return address.Equal(only) }
		config.IncludeLoopback = only.IsLoopback()
	}
	if options.tcpOnly {
		listener, err := net.Listen("tcp4", net.JoinHostPort(options.bind, "0"))
		if err != nil {
			return nil, err
		}
		logger := logging.NewDefaultLoggerFactory().NewLogger("tcp")
		config.NetworkTypes = []ice.NetworkType{ice.NetworkTypeTCP4}
		// It opens no connections: its candidates are passive.
		config.TCPMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: listener, Logger: logger, ReadBufferSize: 8})
	}
	if options.stun != "" {
		server, err := ice.ParseURL("stun:" + options.stun)
		if err != nil {
			return nil, err
		}
		config.Urls = []*ice.URL{server}
	}
	agent, err := ice.NewAgent(config)
	if err != nil {
		return nil, err
	}
	made := &peer{agent: agent, connected: make(chan struct{})}
	complain(agent.OnCandidate(made.show))
	complain(agent.OnConnectionStateChange(tellState))
	complain(agent.OnSelectedCandidatePairChange(func(local, remote ice.Candidate) {
		write(line{Type: "selected", Local: "candidate:" + local.Marshal(), Remote: "candidate:" + remote.Marshal()})
	}))
	return made, nil
}

func (p *peer) show(candidate ice.Candidate) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if candidate != nil {
		p.held = append(p.held, "candidate:"+candidate.Marshal())
		if options.noTrickle {
			return
		}
	}
	for _, text := range p.held {
		write(line{Type: "candidate", Candidate: text})
	}
	p.held = nil
	if candidate == nil {
		write(line{Type: "end-of-candidates"})
	}
}

func tellState(state ice.ConnectionState) {
	if name := strings.ToLower(state.String()); name != "closed" {
		write(line{Type: "state", State: name})
	}
}

// Tells the credentials, and gathers.
func (p *peer) begin() {
	ufrag, pwd, err := p.agent.GetLocalUserCredentials()
	complain(err)
	write(line{Type: "credentials", Ufrag: ufrag, Pwd: pwd, Impl: "pion"})
	complain(p.agent.GatherCandidates())
}

func (p *peer) connect(ufrag, pwd string) {
	join := p.agent.Dial
	if options.controlled {
		join = p.agent.Accept
	}
	connection, err := join(context.Background(), ufrag, pwd)
	if err != nil {
		complain(err)
		return
	}
	p.connection = connection
	close(p.connected)
	p.receive()
}

func (p *peer) receive() {
	buffer := make([]byte, 65536)
	for {
		count, err := p.connection.Read(buffer)
		if err != nil {
			return
		}
		write(line{Type: "data", Data: string(buffer[:count])})
		if options.echo {
			p.send(buffer[:count])
		}
	}
}

func (p *peer) send(data []byte) {
	select {
	case <-p.connected:
		_, err := p.connection.Write(data)
		complain(err)
	default:
		complain(fmt.Errorf("there is no connection yet"))
	}
}

// Does what a line asks for; false when it asks to end.
func (p *peer) take(text []byte) bool {
	var message line
	if err := json.Unmarshal(text, &message); err != nil {
		complain(err)
		return true
	}
	switch message.Type {
	case "close":
		return false
	case "credentials":
		if p.isStarted {
			complain(p.agent.SetRemoteCredentials(message.Ufrag, message.Pwd))
		} else {
			p.isStarted = true
			go p.connect(message.Ufrag, message.Pwd)
		}
	case "candidate":
		candidate, err := ice.UnmarshalCandidate(strings.TrimPrefix(message.Candidate, "candidate:"))
		if err == nil {
			err = p.agent.AddRemoteCandidate(candidate)
		}
		complain(err)
	case "end-of-candidates":
	case "restart":
		complain(p.agent.Restart("", ""))
		p.begin()
	case "send":
		p.send([]byte(message.Data))
	default:
		complain(fmt.Errorf("there is no message of type %q", message.Type))
	}
	return true
}

func main() {
	flag.BoolVar(&options.controlling, "controlling", false, "choose the pair (default)")
	flag.BoolVar(&options.controlled, "controlled", false, "let the other agent choose the pair")
	flag.BoolVar(&options.noTrickle, "no-trickle", false, "tell candidates once all are gathered")
	flag.BoolVar(&options.echo, "echo", false, "send back what arrives")
	flag.BoolVar(&options.tcpOnly, "tcp-only", false, "use TCP candidates alone")
	flag.StringVar(&options.bind, "bind", "", "use this local address only")
	flag.StringVar(&options.stun, "stun", "", "a STUN server, host:port")
	flag.StringVar(&options.nomination, "nomination", "regular", "pion knows no other")
	flag.Parse()

	p, err := newPeer()
	if err != nil {
		complain(err)
		os.Exit(64)
	}
	p.begin()
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() && p.take(input.Bytes()) {
	}
	complain(p.agent.Close())
	write(line{Type: "state", State: "closed"})
}
