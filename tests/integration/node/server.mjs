// A server like the guide's, on the stock socket.io: answers as the lane of the handshake, broadcasts as the baseline.
//
// Prints the URL when it listens, and ends on SIGTERM.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer();
const io = new Server(http);
const greeting = (version) => `Hello version: ${version}, instance: node`;

io.on('connection', (socket) => {
  const version = socket.handshake.headers.version === 'v2' ? 'v2' : 'v1';
  socket.emit('welcome', greeting(version));
  socket.on('test000', () => {
    socket.emit('hello', greeting(version), () => {});
    io.emit('okok', greeting('v1'));
  });
  socket.on('ask', (_id, answer) => answer(greeting(version)));
});

http.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}`));
process.on('SIGTERM', () => process.exit(0));
