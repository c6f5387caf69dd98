-- Opens the file that is named with a language server, `SERVER`, and prints what is marked in it; fails where nothing is.
local words = vim.split(vim.env.SERVER, " ")
local server = { name = "toml", cmd = words, root_dir = vim.fn.getcwd() }
local buffer = vim.api.nvim_get_current_buf()
if vim.bo.filetype ~= "toml" then
  io.stderr:write("it is taken for " .. vim.bo.filetype .. "\n")
  vim.cmd("cquit!")
end
-- `vim.lsp.start` is there from Neovim 0.8 on.
local id = vim.lsp.start and vim.lsp.start(server) or vim.lsp.start_client(server)
vim.lsp.buf_attach_client(buffer, id)
local is_marked = vim.wait(20000, function()
  return #vim.diagnostic.get(buffer) > 0
end, 50)
for _, it in ipairs(vim.diagnostic.get(buffer)) do
  io.stdout:write(it.lnum + 1 .. ": " .. it.message .. "\n")
end
vim.cmd(is_marked and "qall!" or "cquit!")
