// The guide's client (step 4): asks on its own behalf and listens to broadcasts.
//
// GATEWAY_URL: the gateway, such as http://127.0.0.1:30080. VERSION: value of the header "version"; not sent when
// unset. SECONDS: end after so long (default: never, as in the guide). It ends at once when the connection fails.
import { io } from 'socket.io-client';
import { v4 as uuidv4 } from 'uuid';

const { GATEWAY_URL, VERSION, SECONDS } = process.env;
const clientId = uuidv4();
const socket = io(GATEWAY_URL, {
  transports: ['websocket'],
  extraHeaders: VERSION === undefined ? {} : { version: VERSION },
  reconnection: false,
  forceNew: true,
});

function ask() {
  socket.emit('test000', clientId);
}

socket.on('connect', () => {
  console.log(`Connected! ${clientId}`);
  setTimeout(ask, 500);
  setInterval(ask, 5000);
});

socket.on('hello', (message, acknowledge) => {
  console.log(`Server response: ${message}`);
  acknowledge('got it');
});

socket.on('okok', (message) => {
  console.log(`Broadcast: ${message}`);
});

socket.on('connect_error', (error) => {
  console.error(`Connection failed: ${error.message}`);
  process.exit(1);
});

if (SECONDS !== undefined) {
  setTimeout(() => process.exit(0), 1000 * Number(SECONDS));
}
