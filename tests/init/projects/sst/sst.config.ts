export default $config({
  app: () => ({ name: "shop", home: "aws" }),
  async run() {
    const api = new sst.aws.ApiGatewayV2("Api");
    api.route("GET /items", "items.list");
    return { api: api.url };
  },
});
