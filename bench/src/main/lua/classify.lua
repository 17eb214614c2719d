-- For wrk: posts one image of PIXELS bytes again and again, and counts what is not answered by 200.
wrk.method = "POST"
local bytes = {}
for i = 1, tonumber(os.getenv("PIXELS")) do
  bytes[i] = string.char((i * 31) % 256)
end
wrk.body = table.concat(bytes)
wrk.headers["Content-Type"] = "application/octet-stream"
