// RPC echo on amqp091-go.
//
// usage: amqp091_echo server URL QUEUE | client URL QUEUE
//
// A client reads loads from stdin and prints what came of them: see ../load.ts.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const prefetch = 256

type load struct {
	Calls       int64   `json:"calls"`
	Seconds     float64 `json:"seconds"`
	Concurrency int     `json:"concurrency"`
	Body        string  `json:"body"`
}

type figures struct {
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	P50Ms   float64 `json:"p50_ms"`
	P99Ms   float64 `json:"p99_ms"`
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func serve(url, queue string) {
	channel := must(must(amqp.Dial(url)).Channel())
	must(channel.QueueDeclare(queue, true, false, false, false, nil))
	check(channel.Qos(prefetch, 0, false))
	requests := must(channel.Consume(queue, "", false, false, false, false, nil))
	for request := range requests {
		reply := amqp.Publishing{CorrelationId: request.CorrelationId, Body: request.Body}
		check(channel.PublishWithContext(context.Background(), "", request.ReplyTo, false, false, reply))
		check(request.Ack(false))
	}
}

// client hands each reply to the goroutine that called.
type client struct {
	channel         *amqp.Channel
	queue, callback string
	mutex           sync.Mutex
	waiting         map[string]chan []byte
	lastID          int64
}

func connect(url, queue string) *client {
	channel := must(must(amqp.Dial(url)).Channel())
	callback := must(channel.QueueDeclare("", false, false, true, false, nil)).Name
	replies := must(channel.Consume(callback, "", true, true, false, false, nil))
	c := &client{channel: channel, queue: queue, callback: callback, waiting: map[string]chan []byte{}}
	go func() {
		for reply := range replies {
			c.mutex.Lock()
			caller := c.waiting[reply.CorrelationId]
			delete(c.waiting, reply.CorrelationId)
			c.mutex.Unlock()
			caller <- reply.Body
		}
	}()
	return c
}

func (c *client) call(body []byte) []byte {
	id := strconv.FormatInt(atomic.AddInt64(&c.lastID, 1), 10)
	reply := make(chan []byte, 1)
	c.mutex.Lock()
	c.waiting[id] = reply
	c.mutex.Unlock()
	request := amqp.Publishing{CorrelationId: id, ReplyTo: c.callback, Body: body}
	check(c.channel.PublishWithContext(context.Background(), "", c.queue, false, false, request))
	return <-reply
}

func (c *client) run(l load) figures {
	body := []byte(l.Body)
	started := time.Now()
	end := started.Add(time.Duration(l.Seconds * float64(time.Second)))
	var begun int64
	latencies := make([][]time.Duration, l.Concurrency)
	var callers sync.WaitGroup
	for n := range latencies {
		callers.Add(1)
		go func(n int) {
			defer callers.Done()
			for atomic.AddInt64(&begun, 1) <= l.Calls && time.Now().Before(end) {
				sent := time.Now()
				if !bytes.Equal(c.call(body), body) {
					log.Fatal("not an echo")
				}
				latencies[n] = append(latencies[n], time.Since(sent))
			}
		}(n)
	}
	callers.Wait()
	return summary(latencies, time.Since(started))
}

func summary(latencies [][]time.Duration, elapsed time.Duration) figures {
	all := []time.Duration{}
	for _, some := range latencies {
		all = append(all, some...)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(share float64) float64 {
		return all[int(share*float64(len(all)-1))].Seconds() * 1000
	}
	return figures{len(all), elapsed.Seconds(), at(0.5), at(0.99)}
}

func main() {
	role, url, queue := os.Args[1], os.Args[2], os.Args[3]
	if role == "server" {
		serve(url, queue)
		return
	}
	c := connect(url, queue)
	for loads := json.NewDecoder(os.Stdin); loads.More(); {
		var l load
		check(loads.Decode(&l))
		check(json.NewEncoder(os.Stdout).Encode(c.run(l)))
	}
}
