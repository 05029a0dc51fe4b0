// Prints what the middleware stack of the AWS SDK for JavaScript says of itself.
import { ListAccountsCommand, SSO } from "@aws-sdk/client-sso";

const client = new SSO({ region: "us-east-1" });
const bare = client.middlewareStack.identify();
const command = new ListAccountsCommand({ accessToken: "aoa" });
client.middlewareStack.identifyOnResolve(true);
const whole = [];
console.log = (line) => whole.push(...[line].flat());
client.middlewareStack.add(() => async () => ({ output: { $metadata: {} } }), { step: "initialize", priority: "low" });
await client.send(command);
process.stdout.write(JSON.stringify({ bare, whole }));
